import type { IncomingMessage } from 'node:http'
import { collect } from '#kernel'
import { fault } from './faults.ts'

/** Reads a request body of at most `bytesMax`. Throws `http.body_too_large` as soon as it is known, `http.body_aborted`. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw fault.body_too_large()
  try {
    // Left as it is when it is too large: a destroyed request takes its answer along.
    return await collect(request.iterator({ destroyOnReturn: false }), bytesMax, fault.body_too_large)
  } catch (error) {
    throw request.aborted ? fault.body_aborted({ cause: error }) : error
  }
}
