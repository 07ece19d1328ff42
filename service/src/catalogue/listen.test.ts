import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { listenProblem, parseListen } from './listen.ts'

test.each([
  ['127.0.0.1:4000', { host: '127.0.0.1', port: 4000 }],
  ['0.0.0.0:1', { host: '0.0.0.0', port: 1 }],
  ['[::1]:65535', { host: '::1', port: 65_535 }],
  ['tetrapod.internal:80', { host: 'tetrapod.internal', port: 80 }],
])('%s is an address to listen on', (text, address) => {
  expect(parseListen(text)).toEqual(address)
  expect(listenProblem(text)).toBeUndefined()
})

test.each([
  '',
  '4000',
  ':4000',
  '127.0.0.1',
  '127.0.0.1:0',
  '127.0.0.1:65536',
  '::1:4000',
  'http://a:4000',
  'a:4000/',
  'a b:1',
  'a:04000',
])('%j is none, and the answer says how one is written', (text) => {
  expect(parseListen(text)).toBeUndefined()
  expect(listenProblem(text)).toContain('127.0.0.1:4000')
})

test('what is read is what was written', () => {
  const written = fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65_535 }))
  fc.assert(
    fc.property(written, ([host, port]) => {
      expect(parseListen(`${host}:${port}`)).toEqual({ host, port })
    }),
  )
})
