/** No event of an upstream may be longer than this. */
const EVENT_BYTES_MAX = 16 * 1024 * 1024

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
    } else if (line.startsWith('data:')) {
      size += line.length
      if (size > EVENT_BYTES_MAX) throw new RangeError('an event is too long')
      data.push(line.slice(line[5] === ' ' ? 6 : 5))
    }
  }
}

async function* lines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let rest = ''
  for await (const chunk of body) {
    const parts = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/)
    rest = parts.pop() ?? ''
    if (rest.length > EVENT_BYTES_MAX) throw new RangeError('a line is too long')
    yield* parts
  }
}
