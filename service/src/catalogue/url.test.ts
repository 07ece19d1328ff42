import { expect, test } from 'vitest'
import { publicUrlProblem, urlProblem } from './url.ts'

test.each([
  ['http://127.0.0.1:4000', true],
  ['http://127.8.9.1', true],
  ['http://localhost/x', true],
  ['http://[::1]:80', true],
  ['http://0x7f.1', true],
  ['http://127.0.0.1.evil.example', false],
  ['http://localhost.evil.example', false],
  ['http://127.0.0.1@evil.example', false],
  ['http://0.0.0.0', false],
  ['http://[::ffff:8.8.8.8]', false],
  ['http://10.0.0.1', false],
])('%s stays on this machine: %s', (text, expected) => {
  expect(urlProblem(text) === undefined).toBe(expected)
})

test.each([
  'https:example.com',
  'https:/example.com',
  'https://',
  ' https://example.com',
  'https://exam\tple.com',
  'https://example.com\\@evil.example',
  'https://example.com\\evil',
  'https://exämple.com',
  'file:///etc/passwd',
  'HTTP://example.com',
  'https://@example.com',
  'https://example.com/#',
])('%j is refused, which a lenient parser would repair', (text) => {
  expect(urlProblem(text)).toBeDefined()
})

test.each(['http://LOCALHOST', 'http://localhost:80', 'http://localhost/', 'http://localhost?'])(
  'publicUrl %s is answered with its canonical form',
  (text) => {
    expect(publicUrlProblem(text)).toContain('Write it as http://localhost,')
  },
)

test.each(['https://tetrapod.example', 'https://127.0.0.1:4000', 'http://127.0.0.1:4000'])(
  'publicUrl %s is one',
  (text) => {
    expect(publicUrlProblem(text)).toBeUndefined()
  },
)

test.each(['http://10.0.0.1', 'http://127.0.0.1.evil.example', 'http://tetrapod.example'])(
  'publicUrl %s would carry tokens unencrypted',
  (text) => {
    expect(publicUrlProblem(text)).toContain('Use https')
  },
)

test.each(['localhost:4000', 'tetrapod.example', 'ftp://tetrapod.example'])(
  'publicUrl %s is answered with how one is written',
  (text) => {
    expect(publicUrlProblem(text)).toContain('https://tetrapod.example.com')
  },
)

test.each(['http://user:x@127.0.0.1:4000', 'http://127.0.0.1:4000#x'])('publicUrl %s is refused', (text) => {
  expect(publicUrlProblem(text)).toBeDefined()
})

test('an @ in a path or a query is no user name', () => {
  expect(urlProblem('https://example.com/@scope?x=a@b')).toBeUndefined()
})
