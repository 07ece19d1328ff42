import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** A party that can be served; `close` lets go of what it holds open towards Tetrapod. */
export interface Served {
  readonly handle: (request: IncomingMessage, response: ServerResponse) => unknown
  readonly close: () => void
}

/** Serves on this machine alone until SIGTERM or SIGINT. A port that is taken ends the process with a sentence. */
export function serve({ handle, close }: Served, port: number): void {
  const server = createServer((request, response) => void handle(request, response))
  server.once('error', (error) => {
    console.error(`Cannot listen on port ${port}: ${error.message}`)
    process.exit(1)
  })
  server.listen(port, '127.0.0.1')
  const stop = () => {
    close()
    server.close(() => process.exit(0))
    server.closeAllConnections()
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}
