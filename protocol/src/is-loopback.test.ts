import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { isLoopback } from './is-loopback.ts'

const local = (url: string) => isLoopback(new URL(url))

test.each([
  'http://127.0.0.1:4000',
  'https://127.8.9.1/x',
  'http://[::1]:80',
  'http://[0:0:0:0:0:0:0:1]',
  'http://LOCALHOST/x',
  'http://0x7f.1',
  'http://2130706433',
])('%s stays on this machine', (url) => {
  expect(local(url)).toBe(true)
})

test.each([
  'http://127.0.0.1.evil.example',
  'http://127.0.0.1@evil.example',
  'http://localhost.evil.example',
  'http://localhost@evil.example',
  'http://evil.example/#@localhost',
  'http://notlocalhost',
  'http://a.localhost',
  'http://localhost.',
  'http://a.localhost.',
  'http://0.0.0.0',
  'http://10.0.0.1',
  'http://128.0.0.1',
  'http://[::]',
  'http://[::2]',
  'http://[::ffff:127.0.0.1]',
  'http://[::ffff:8.8.8.8]',
  'file:///etc/passwd',
])('%s may leave it', (url) => {
  expect(local(url)).toBe(false)
})

test('of all IPv4 addresses, those that begin with 127 stay', () => {
  const property = fc.property(fc.ipV4(), (address) => {
    expect(local(`http://${address}`)).toBe(address.startsWith('127.'))
  })
  fc.assert(property)
})

test('all of 127.0.0.0/8 stays', () => {
  const byte = fc.integer({ min: 0, max: 255 })
  const property = fc.property(fc.tuple(byte, byte, byte), (bytes) => {
    expect(local(`http://127.${bytes.join('.')}`)).toBe(true)
  })
  fc.assert(property)
})
