import { expect, test } from 'vitest'
import { isLoopbackRedirect, sameRedirect } from './index.ts'

test.each([
  ['https://a.example/cb', 'https://a.example/cb'],
  ['http://127.0.0.1:4000/cb', 'http://127.0.0.1:51234/cb'],
  ['http://127.0.0.1/cb?x=1', 'http://127.0.0.1:51234/cb?x=1'],
  ['http://[::1]:4000/cb', 'http://[::1]:4001/cb'],
  ['http://localhost:4000', 'http://localhost:4001'],
])('%s is shown once for %s too', (a, b) => {
  expect([sameRedirect(a, b), sameRedirect(b, a)]).toEqual([true, true])
})

test.each([
  ['https://a.example:1/cb', 'https://a.example:2/cb'],
  ['http://a.example:1/cb', 'http://a.example:2/cb'],
  ['https://127.0.0.1:1/cb', 'https://127.0.0.1:2/cb'],
  ['http://127.0.0.1:1/cb', 'http://127.0.0.1:1/other'],
  ['http://127.0.0.1:1/cb', 'http://localhost:1/cb'],
  ['http://127.0.0.1:1/cb', 'http://127.0.0.1.evil.example:1/cb'],
  ['http://127.0.0.1:1@evil.example/cb', 'http://127.0.0.1:2@evil.example/cb'],
  ['http://localhost:1/cb', 'http://localhost.evil.example/cb'],
  ['app:/cb', 'app:/other'],
])('%s was not shown as %s', (a, b) => {
  expect([sameRedirect(a, b), sameRedirect(b, a)]).toEqual([false, false])
})

test.each([
  ['http://127.0.0.1:1/cb', true],
  ['http://[::1]/cb', true],
  ['http://localhost:1/cb', true],
  ['http://127.0.0.1@evil.example/cb', false],
  ['http://localhost.evil.example/cb', false],
  ['https://localhost/cb', false],
  ['cursor://localhost/cb', false],
  ['not a URL', false],
])('%s is of this machine: %s', (uri, own) => {
  expect(isLoopbackRedirect(uri)).toBe(own)
})
