import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseStrictJson } from './strict-json.ts'

const parsed = (text: string) => parseStrictJson(Buffer.from(text))
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth)

/** Every way to write a character of a member name. */
const spelled = (name: string, escape: boolean) =>
  `"${
    escape
      ? Array.from(name)
          .map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
          .join('')
      : name
  }"`

test('what it parses is what JSON.parse parses, for every JSON text', () => {
  fc.assert(
    fc.property(fc.json({ maxDepth: 6 }), fc.constantFrom(undefined, 1, '\t'), (text, indent) => {
      const spaced = JSON.stringify(JSON.parse(text), null, indent)
      expect(parsed(text)).toEqual(JSON.parse(text))
      expect(parsed(spaced)).toEqual(JSON.parse(spaced))
    }),
  )
})

test('what is not JSON to JSON.parse is malformed', () => {
  fc.assert(
    fc.property(
      fc.json(),
      fc.nat(),
      fc.constantFrom('{', '}', '[', ']', '"', ',', ':', '\\'),
      (text, at, char) => {
        const cut = at % (text.length + 1)
        const broken = text.slice(0, cut) + char + text.slice(cut)
        try {
          JSON.parse(broken)
        } catch {
          expect(() => parsed(broken)).toThrow()
        }
      },
    ),
  )
})

describe('a member that is named twice is refused', () => {
  test('at any depth, in any spelling, whatever lies between', () => {
    const name = fc.stringMatching(/^[a-z]{1,8}$/)
    fc.assert(
      fc.property(
        name,
        fc.json({ maxDepth: 2 }),
        fc.array(fc.constantFrom('array', 'object'), { maxLength: 8 }),
        fc.tuple(fc.boolean(), fc.boolean()),
        (name, between, around, [first, second]) => {
          const twice = `{${spelled(name, first)}: 1, "A": ${between}, ${spelled(name, second)}: 2}`
          const once = `{${spelled(name, first)}: 1, "A": ${between}, ${spelled(`${name}b`, second)}: 2}`
          const wrap = (inner: string) =>
            around.reduce((text, kind) => (kind === 'array' ? `[0,${text}]` : `{"x":[],"y":${text}}`), inner)
          expect(() => parsed(wrap(twice))).toThrow()
          expect(parsed(wrap(once))).toEqual(JSON.parse(wrap(once)))
        },
      ),
    )
  })

  test.each(['{"__proto__":1,"__proto__":2}', '{"":1,"":2}', '{"\\n":1,"\\u000a":2}', '{"/":1,"\\/":2}'])(
    '%s',
    (text) => {
      expect(() => parsed(text)).toThrow()
    },
  )

  test('and equal names of two objects are not: nor is a value that looks like a name', () => {
    const text = '[{"a":{"a":"a"}},{"a":["a","a","b:","\\"a\\":"]}]'
    expect(parsed(text)).toEqual(JSON.parse(text))
  })
})

describe('nesting', () => {
  test('of 64 is taken, of 65 is refused, brackets in strings not counted', () => {
    expect(parsed(nested(64))).toEqual(JSON.parse(nested(64)))
    expect(() => parsed(nested(65))).toThrow()
    expect(() => parsed('{"a":'.repeat(65) + '1' + '}'.repeat(65))).toThrow()
    expect(parsed(`["${'['.repeat(100)}"]`)).toEqual(['['.repeat(100)])
  })

  test('of a megabyte is refused in less than a second, closed or not', () => {
    const began = performance.now()
    expect(() => parsed(nested(500_000))).toThrow()
    expect(() => parsed('['.repeat(1_000_000))).toThrow()
    expect(() => parsed('{"a":'.repeat(200_000))).toThrow()
    expect(performance.now() - began).toBeLessThan(1000)
  })
})

describe('text that two parsers would read differently is refused', () => {
  test.each([
    ['an overlong slash', Buffer.from([0x22, 0xc0, 0xaf, 0x22])],
    ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['a cut character', Buffer.from([0x22, 0xe2, 0x82, 0x22])],
    ['UTF-16', Buffer.from('{"a":1}', 'utf16le')],
    ['a byte order mark', Buffer.from('\uFEFF{}')],
    ['half of a surrogate pair in a value', Buffer.from('{"a":"\\ud800"}')],
    ['half of a surrogate pair in a name', Buffer.from('{"\\udc00x":1}')],
    ['halves the wrong way round', Buffer.from('["\\udc00\\ud800"]')],
    ['nothing', Buffer.alloc(0)],
    ['NaN', Buffer.from('[NaN]')],
    ['a comment', Buffer.from('{}//')],
    ['two values', Buffer.from('{}{}')],
  ])('%s', (_, bytes) => {
    expect(() => parseStrictJson(bytes)).toThrow()
  })

  test('a whole surrogate pair is a character like any other', () => {
    expect(parsed('{"\\ud83d\\ude00":"😀"}')).toEqual({ '😀': '😀' })
  })
})

test('members are counted over all objects: 10,000 are taken, one more is refused', () => {
  const members = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, 0]))
  const text = (...counts: number[]) => Buffer.from(JSON.stringify(counts.map(members)))
  expect(parseStrictJson(text(4000, 6000))).toHaveLength(2)
  expect(() => parseStrictJson(text(4000, 6001))).toThrow(RangeError)
})
