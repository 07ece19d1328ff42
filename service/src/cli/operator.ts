import { request } from 'node:http'
import { join } from 'node:path'
import { Fault, isObject } from '#kernel'
import { SOCKET } from '../composition/serving.ts'
import { fault } from './faults.ts'

/**
 * Asks the running service through its operators' socket. Throws Fault `cli.not_running`, or what the service answered.
 */
export async function askService(
  dataDirectory: string,
  { method = 'GET', path }: { readonly method?: 'GET' | 'POST'; readonly path: string },
): Promise<unknown> {
  const socketPath = join(dataDirectory, SOCKET)
  const { status, text } = await send({ socketPath, method, path })
  const body: unknown = text === '' ? undefined : JSON.parse(text)
  if (status < 400) return body
  const { error, error_description } = isObject(body) ? body : {}
  throw new Fault(String(error), 'internal', String(error_description))
}

const TIMEOUT_MS = 10_000

function send(options: { readonly socketPath: string; readonly method: string; readonly path: string }) {
  return new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
    const asked = request(options, (answer) => {
      answer
        .setEncoding('utf8')
        .toArray()
        .then((chunks) => resolve({ status: answer.statusCode ?? 500, text: chunks.join('') }), reject)
    })
    asked.once('error', (cause) => reject(fault.not_running({ detail: options.socketPath, cause })))
    asked.setTimeout(TIMEOUT_MS, () => asked.destroy(new Error('no answer in time')))
    asked.end()
  })
}
