import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { askOperator } from './operator.ts'

export interface AuditView {
  /** Where the lines are. Whoever has it reads what people did: never print it, never make it an argument. */
  readonly url: string
  close(): void
}

/**
 * Shows the audit lines of the demo to the demo's own page: `GET /audit/SECRET?limit=N`, nothing else.
 *
 * The secret is new at every start, so that no other program of this machine finds the lines. A page of another site
 * cannot read them either: its `Host` would be that site's.
 */
export function serveAuditView(socketPath: string, port: number): Promise<AuditView> {
  const path = `/audit/${randomBytes(32).toString('base64url')}`
  const host = `127.0.0.1:${port}`
  const server = createServer((request, response) => {
    const limit = request.headers.host === host ? limitOf(request, path) : undefined
    if (limit === undefined) end(response, 404, { error: 'There is nothing here.' })
    else void answer(limit, response, socketPath)
  })
  const view: AuditView = {
    url: `http://${host}${path}`,
    close: () => server.close().closeAllConnections(),
  }
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(view))
  })
}

/** How many lines are asked for at this path, or undefined when it is something else that is asked for. */
function limitOf({ method, url = '' }: IncomingMessage, path: string): string | undefined {
  if (method !== 'GET' || !url.startsWith(path)) return undefined
  const query = /^(?:\?limit=(\d{1,3}))?$/.exec(url.slice(path.length))
  return query === null ? undefined : (query[1] ?? '20')
}

async function answer(limit: string, response: ServerResponse, socketPath: string): Promise<void> {
  try {
    const { status, body } = await askOperator(socketPath, `/audit?limit=${limit}`)
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  } catch {
    end(response, 503, { error: 'The service does not answer on its socket. Is it running?' })
  }
}

function end(response: ServerResponse, status: number, body: Readonly<Record<string, string>>): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
