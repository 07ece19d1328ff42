import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { eventData } from './sse.ts'

async function read(chunks: Iterable<Uint8Array>): Promise<readonly string[]> {
  const events: string[] = []
  for await (const data of eventData(streamOf(chunks))) events.push(data)
  return events
}

async function* streamOf(chunks: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks
}

/** Cuts bytes at the given places, which need not be the edges of a character. */
function cut(bytes: Uint8Array, places: readonly number[]): readonly Uint8Array[] {
  const edges = [0, ...places.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return edges.slice(1).map((end, i) => bytes.subarray(edges[i], end))
}

const end = fc.constantFrom('\r\n', '\n', '\r')
const line = fc.string({ unit: 'binary' }).map((text) => text.replaceAll(/[\r\n\uFEFF]/g, ''))
const noise = fc.constantFrom(': keep-alive', 'event: message', 'id: 1', 'retry: 10', 'datax: 1', 'foo')

test('every sequence of events reads the same in every chunking, with every line ending', async () => {
  const event = fc.record({ data: fc.array(line, { minLength: 1, maxLength: 4 }), before: fc.array(noise) })
  await fc.assert(
    fc.asyncProperty(fc.array(event), end, fc.array(fc.nat()), async (events, end, places) => {
      const text = events
        .map(({ before, data }) => [...before, ...data.map((it) => `data: ${it}`), '', ''].join(end))
        .join('')
      expect(await read(cut(Buffer.from(text), places))).toEqual(events.map(({ data }) => data.join('\n')))
    }),
  )
})

test('every cut of one stream gives the same, byte by byte: through CR LF and through a character', async () => {
  const bytes = Buffer.from('data: grün €\r\ndata: 😀\r\n\r\n: x\r\rdata:b\n\n')
  for (let at = 0; at <= bytes.length; at++) expect(await read(cut(bytes, [at]))).toEqual(['grün €\n😀', 'b'])
  expect(await read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(['grün €\n😀', 'b'])
})

test('an event arrives with the line that ends it, not with the next chunk', async () => {
  for (const ending of ['\n\n', '\r\n\r\n', '\r\r']) {
    const events = eventData(endless(Buffer.from(`data: 1${ending}`)))
    expect(await events.next()).toEqual({ done: false, value: '1' })
  }
})

test('an event that the stream does not end is not delivered', async () => {
  expect(await read([Buffer.from('data: 1\n\ndata: 2\n')])).toEqual(['1'])
  expect(await read([Buffer.from('data: 1')])).toEqual([])
})

test('one space after the colon is none of the data, a second one is; a field without colon is empty', async () => {
  expect(await read([Buffer.from('data:a\ndata: b\ndata:  c\ndata\n\n')])).toEqual(['a\nb\n c\n'])
})

test('an event without data is no event, and a byte order mark at the start is no text', async () => {
  expect(await read([Buffer.from('\uFEFFdata: 1\n\nevent: ping\n\n\n\ndata: 2\n\n')])).toEqual(['1', '2'])
})

test('an event of more than 16 MiB is refused, as one line or as many, before it is complete', async () => {
  const megabyte = Buffer.alloc(1024 * 1024, 'x')
  function* oneLine() {
    yield Buffer.from('data: ')
    for (;;) yield megabyte
  }
  function* manyLines() {
    for (;;) yield Buffer.from(`data: ${megabyte.toString()}\n`)
  }
  await expect(read(oneLine())).rejects.toThrow(new RangeError('a line is too long'))
  await expect(read(manyLines())).rejects.toThrow(new RangeError('an event is too long'))
})

test('bytes that are not UTF-8 are refused', async () => {
  await expect(read([Uint8Array.of(0x64, 0xff)])).rejects.toThrow(TypeError)
})

async function* endless(first: Uint8Array): AsyncGenerator<Uint8Array> {
  yield first
  await new Promise(() => {})
}
