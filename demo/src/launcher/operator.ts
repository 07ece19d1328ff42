import { request } from 'node:http'

/** Reads a document of the operators' API, which the service offers on a socket that only its owner can open. */
export function askOperator(socketPath: string, path: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, timeout: 3000 }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => (body += text))
      response.on('end', () => resolve({ status: response.statusCode ?? 500, body }))
      response.on('error', reject)
    })
    asked.on('timeout', () =>
      asked.destroy(new Error('The service did not answer on its socket within 3 s.')),
    )
    asked.on('error', reject)
    asked.end()
  })
}
