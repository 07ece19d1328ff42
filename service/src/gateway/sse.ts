/** No event of an upstream may be longer than this, in UTF-16 units. */
const EVENT_LENGTH_MAX = 16 * 1024 * 1024

/**
 * The data of each event of an SSE stream (HTML, Server-sent events §9.2.6), as it arrives; nothing is held but one event.
 * Throws RangeError for an event that is too long, TypeError for bytes that are not UTF-8.
 */
export async function* eventData(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let data: string[] = []
  let size = 0
  for await (const line of lines(body)) {
    if (line === '') {
      if (data.length > 0) yield data.join('\n')
      data = []
      size = 0
    } else if (line === 'data' || line.startsWith('data:')) {
      size += line.length
      if (size > EVENT_LENGTH_MAX) throw new RangeError('an event is too long')
      data.push(line.slice(line[5] === ' ' ? 6 : 5))
    }
  }
}

/** The lines of a stream, each ended by CR LF, LF or CR. What follows the last end is no line. */
async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  let afterReturn = false
  for await (const chunk of body) {
    const text = decoder.decode(chunk, { stream: true })
    if (text === '') continue
    // The CR ended its line already: the LF of its pair ends no second one.
    const parts = (afterReturn && text.startsWith('\n') ? text.slice(1) : text).split(/\r\n|\n|\r/)
    afterReturn = text.endsWith('\r')
    parts[0] = rest + (parts[0] ?? '')
    rest = parts.pop() ?? ''
    if (rest.length > EVENT_LENGTH_MAX) throw new RangeError('a line is too long')
    yield* parts
  }
}
