import { expect, test } from 'vitest'
import { introduce, type NamedBy } from './introduction.ts'

const id = 'https://claude.ai/oauth/client.json'
const document: NamedBy = { kind: 'document', host: 'claude.ai', listed: true }
const registered: NamedBy = { kind: 'registered' }

test('an agent is introduced by its name and by who says so', () => {
  expect(introduce(id, 'Claude', document)).toEqual({ id, name: 'Claude', namedBy: document })
})

test.each([undefined, '', ' \u202E ', '\u3164'])(
  'of an agent named %j the host is shown, or its id',
  (name) => {
    expect(introduce(id, name, document).name).toBe('claude.ai')
    expect(introduce('x1', name, registered).name).toBe('x1')
  },
)

test('a name turns nothing around and fills no page', () => {
  expect(introduce('x1', 'a\u202Eb\nc', registered).name).toBe('ab c')
  expect(introduce('x1', 'x'.repeat(5000), registered).name).toHaveLength(60)
  expect(introduce('x'.repeat(5000), '', registered).name).toHaveLength(60)
})
