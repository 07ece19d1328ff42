import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Log } from '#kernel'
import { sendFault } from './send.ts'
import { fault } from './faults.ts'
import type { Handler } from './handler.ts'
import type { Stage } from './stage.ts'

/**
 * The one HTTP server of the service. But for probes it serves `publicUrl` alone: a request with another Host is refused (DNS
 * rebinding), and no handler ever derives a URL from it.
 */
export function createFront(deps: {
  readonly publicUrl: string
  readonly stage: Pick<Stage, 'enter'>
  /** By exact path, whatever host a request names: what looks after the process goes by its address. */
  readonly probes?: Readonly<Record<string, Handler>>
  readonly log: Log
}): Server {
  const { publicUrl, stage, log } = deps
  const probes = new Map(Object.entries(deps.probes ?? {}))
  const { host } = new URL(publicUrl)

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    try {
      const path = pathOf(request)
      const probe = probes.get(path)
      if (probe !== undefined) {
        await probe(request, response)
        return
      }
      if (request.headers.host !== host) throw fault.wrong_host()
      await onStage(stage.enter(path), request, response)
    } catch (error) {
      sendFault(response, error, log)
    }
  }
  return createServer(
    { maxHeaderSize: 32 * 1024, requestTimeout: 60_000, headersTimeout: 15_000 },
    (request, response) => {
      void answer(request, response)
    },
  )
}

/** A request has ended when its handler has, and the last of its answer is sent or its caller gone. */
async function onStage(
  { handler, left }: ReturnType<Stage['enter']>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    if (handler === undefined) throw fault.not_found()
    await handler(request, response)
  } finally {
    if (response.closed) left()
    else response.once('close', left)
  }
}

/** The path as it was sent, without its query: never decoded, never normalised. */
export function pathOf(request: IncomingMessage): string {
  const url = request.url ?? '/'
  const query = url.indexOf('?')
  return query === -1 ? url : url.slice(0, query)
}
