import { expect, test } from 'vitest'
import { parseStrictJson } from './strict-json.ts'

test('a body that two parsers could read differently, or that costs more than its bytes, is no JSON here', () => {
  const malformed = expect.objectContaining({ code: 'gateway.json_malformed', kind: 'invalid' })
  for (const text of [
    '{"id":1',
    '{"id":1,"\\u0069d":2}',
    '\uFEFF{}',
    '["\\ud800"]',
    '['.repeat(65) + ']'.repeat(65),
  ])
    expect(() => parseStrictJson(Buffer.from(text))).toThrow(malformed)
})
