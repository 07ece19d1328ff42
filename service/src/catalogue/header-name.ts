/** Headers that say how a message travels (RFC 9110 §7.6.1), where it goes, or what it is: the gateway's to write. */
const RESERVED: ReadonlySet<string> = new Set(
  [
    'connection keep-alive te trailer transfer-encoding upgrade via expect date',
    'host forwarded origin referer cookie set-cookie accept accept-encoding',
    'dpop txn-token traceparent tracestate baggage last-event-id',
  ].flatMap((line) => line.split(' ')),
)
const RESERVED_PREFIX = /^(?:mcp-|content-|proxy-|sec-|x-forwarded-|if-|access-control-)/

/** What is wrong with the name of a header that carries an operator's credential, or undefined. */
export function headerNameProblem(text: string): string | undefined {
  if (!/^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(text))
    return 'A header name is a letter, then letters, digits and hyphens: x-api-key.'
  const name = text.toLowerCase()
  return RESERVED.has(name) || RESERVED_PREFIX.test(name)
    ? 'The gateway writes this header itself: name one that carries a credential, like authorization or x-api-key.'
    : undefined
}

/** Whether a request header can carry this value (RFC 9110 §5.5): visible characters of ASCII, spaces only between them. */
export function isHeaderValue(text: string): boolean {
  return /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(text)
}
