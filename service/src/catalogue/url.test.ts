import { expect, test } from 'vitest'
import { isLoopback, publicUrlProblem, urlProblem } from './url.ts'

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
  expect(isLoopback(new URL(text))).toBe(expected)
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

test.each(['https://EXAMPLE.com', 'https://example.com:443', 'https://example.com/', 'https://example.com?'])(
  'publicUrl %s is answered with its canonical form',
  (text) => {
    expect(publicUrlProblem(text)).toContain('Write it as https://example.com,')
  },
)

test('an @ in a path or a query is no user name', () => {
  expect(urlProblem('https://example.com/@scope?x=a@b')).toBeUndefined()
})
