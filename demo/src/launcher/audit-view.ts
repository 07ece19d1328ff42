import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { askOperator } from './operator.ts'

/**
 * Shows the audit lines of the demo to the demo's own page: `GET /audit?limit=N`, this machine alone, nothing else.
 * A page of another site cannot read it: its `Host` would be that site's.
 */
export function serveAuditView(socketPath: string, port: number): Promise<Server> {
  const server = createServer((request, response) => void answer(request, response, socketPath, port))
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}

async function answer(
  { method, url, headers }: IncomingMessage,
  response: ServerResponse,
  socketPath: string,
  port: number,
): Promise<void> {
  const limit = /^\/audit(?:\?limit=(\d{1,3}))?$/.exec(url ?? '')
  if (method !== 'GET' || limit === null || headers.host !== `127.0.0.1:${port}`) {
    return end(response, 404, { error: 'Only GET /audit?limit=N is here.' })
  }
  try {
    const { status, body } = await askOperator(socketPath, `/audit?limit=${limit[1] ?? 20}`)
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  } catch {
    end(response, 503, { error: 'The service does not answer on its socket. Is it running?' })
  }
}

function end(response: ServerResponse, status: number, body: Readonly<Record<string, string>>): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
