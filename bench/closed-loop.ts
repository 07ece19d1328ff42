import { Agent, request } from 'node:http'

/** Sends every body once, each connection the next one when it has its answer. Rejects for any answer but a token. */
export async function askAll(
  url: string,
  bodies: readonly string[],
  connections: number,
): Promise<{ readonly milliseconds: readonly number[]; readonly elapsed: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const milliseconds: number[] = []
  let next = 0
  const loop = async (): Promise<void> => {
    for (let body = bodies[next++]; body !== undefined; body = bodies[next++]) {
      const began = performance.now()
      await post(agent, url, body)
      milliseconds.push(performance.now() - began)
    }
  }
  const began = performance.now()
  await Promise.all(Array.from({ length: connections }, loop))
  const elapsed = performance.now() - began
  agent.destroy()
  return { milliseconds, elapsed }
}

function post(agent: Agent, url: string, body: string): Promise<void> {
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': Buffer.byteLength(body),
  }
  return new Promise((resolve, reject) => {
    const asked = request(url, { method: 'POST', agent, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => {
        if (response.statusCode === 200 && text.includes('access_token')) resolve()
        else reject(new Error(`${response.statusCode} ${text}`))
      })
    })
    asked.on('error', reject)
    asked.end(body)
  })
}
