import { IncomingMessage } from 'node:http'

/** The same request with this body still to be read, which the library wants to do itself. */
export function withBody(request: IncomingMessage, body: Buffer): IncomingMessage {
  const { method, url, headers, rawHeaders, httpVersion } = request
  const again = new IncomingMessage(request.socket)
  // Complete: its end must not be taken for a connection that broke.
  Object.assign(again, { method, url, headers, rawHeaders, httpVersion, complete: true })
  again.push(body)
  again.push(null)
  return again
}
