import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** Serves on this machine alone until SIGTERM or SIGINT. A port that is taken ends the process with a sentence. */
export function serve(
  handler: (request: IncomingMessage, response: ServerResponse) => unknown,
  port: number,
): void {
  const server = createServer((request, response) => void handler(request, response))
  server.once('error', (error) => {
    console.error(`Cannot listen on port ${port}: ${error.message}`)
    process.exit(1)
  })
  server.listen(port, '127.0.0.1')
  const stop = () => {
    server.close(() => process.exit(0))
    server.closeAllConnections()
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}
