import { describe, expect, test } from 'vitest'
import * as fc from 'fast-check'
import { isCallable, PRIVATE_USE, SPECIAL_USE } from './addresses.ts'

const nothingPrivate = { privateToo: false }
const privateToo = { privateToo: true }

/** The first and the last address of every range, and some inside, written out by hand. */
const refused: Readonly<Record<string, readonly string[]>> = {
  'this network': ['0.0.0.0', '0.255.255.255'],
  'private 10': ['10.0.0.0', '10.1.2.3', '10.255.255.255'],
  'shared (CGNAT)': ['100.64.0.0', '100.127.255.255'],
  loopback: ['127.0.0.1', '127.255.255.254'],
  'link-local, with the metadata services of clouds': ['169.254.0.0', '169.254.169.254', '169.254.255.255'],
  'private 172': ['172.16.0.0', '172.31.255.255'],
  'protocol assignments': ['192.0.0.0', '192.0.0.170', '192.0.0.255'],
  documentation: ['192.0.2.1', '198.51.100.1', '203.0.113.255', '2001:db8::1', '3fff::1', '3fff:fff:ffff::1'],
  AS112: ['192.31.196.1', '192.175.48.1', '2620:4f:8000::1'],
  AMT: ['192.52.193.1'],
  '6to4 relays': ['192.88.99.1'],
  'private 192': ['192.168.0.0', '192.168.255.255'],
  benchmarks: ['198.18.0.0', '198.19.255.255', '2001:2::1'],
  multicast: ['224.0.0.1', '239.255.255.255', 'ff02::1', 'ff0e::1'],
  reserved: ['240.0.0.1', '255.255.255.255'],
  'IPv6 unspecified and loopback': ['::', '::1'],
  'IPv4 inside IPv6, compatible': ['::127.0.0.1', '::7f00:1', '::a9fe:a9fe'],
  'IPv4 inside IPv6, mapped': ['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:10.0.0.1', '::ffff:8.8.8.8'],
  'IPv4 inside IPv6, translated': ['::ffff:0:127.0.0.1', '::ffff:0:808:808'],
  NAT64: [
    '64:ff9b::7f00:1',
    '64:ff9b::10.0.0.1',
    '64:ff9b::8.8.8.8',
    '64:ff9b:1::1',
    '64:ff9b:1:ffff::7f00:1',
  ],
  'discard only': ['100::1', '100:0:0:1::1'],
  'Teredo, ORCHID, protocol assignments': [
    '2001::1',
    '2001:0:7f00:1::',
    '2001:10::1',
    '2001:20::1',
    '2001:1ff::1',
  ],
  '6to4': ['2002::1', '2002:7f00:1::', '2002:a00:1::', '2002:c0a8:101::'],
  'segment routing': ['5f00::1'],
  'unique local': ['fc00::1', 'fd00::1', 'fdff:ffff::1'],
  'link-local and site-local': ['fe80::1', 'febf::1', 'fec0::1'],
  'IPv6 that is not global unicast': ['1::1', '4000::1', '8000::1', 'e000::1'],
}

describe('an address with a special use', () => {
  test.each(Object.entries(refused))('%s is not called', (_, addresses) => {
    for (const address of addresses)
      expect([address, isCallable(address, nothingPrivate)]).toEqual([address, false])
  })

  test.each([
    ['8.8.8.8'],
    ['160.79.104.10'],
    ['9.255.255.255'],
    ['11.0.0.0'],
    ['100.63.255.255'],
    ['100.128.0.0'],
    ['126.255.255.255'],
    ['128.0.0.1'],
    ['169.253.255.255'],
    ['169.255.0.0'],
    ['172.15.255.255'],
    ['172.32.0.0'],
    ['192.167.255.255'],
    ['192.169.0.0'],
    ['198.17.255.255'],
    ['198.20.0.0'],
    ['223.255.255.255'],
    ['2001:4860:4860::8888'],
    ['2606:4700:4700::1111'],
    ['2001:200::1'],
    ['2a00::1'],
  ])('%s, a neighbour of it or public, is', (address) => {
    expect(isCallable(address, nothingPrivate)).toBe(true)
  })

  test('of a company is called where an operator said so; the rest is not', () => {
    for (const address of ['10.1.2.3', '100.64.1.1', '172.20.0.1', '192.168.1.1', 'fd12::1'])
      expect([address, isCallable(address, privateToo)]).toEqual([address, true])
    for (const address of [
      '127.0.0.1',
      '169.254.169.254',
      '0.0.0.0',
      '::1',
      'fe80::1',
      '::ffff:10.0.0.1',
      '64:ff9b::a00:1',
    ])
      expect([address, isCallable(address, privateToo)]).toEqual([address, false])
  })
})

test.each([
  '',
  'localhost',
  '10.0.0.1.',
  '010.0.0.1',
  '0x7f.1',
  '2130706433',
  'fe80::1%eth0',
  '2606:4700::1%lo',
  '[2606:4700::1]',
  '8.8.8.8:443',
  ' 8.8.8.8',
])('what is no plain address (%o) is not called', (text) => {
  expect(isCallable(text, privateToo)).toBe(false)
})

test('every address in a range of the table is refused, however it is chosen', () => {
  const range = fc.constantFrom(...SPECIAL_USE.filter((it) => !it.includes(':')))
  fc.assert(
    fc.property(range, fc.nat(0xffff_ffff), (text, random) => {
      const [network = '', bits = ''] = text.split('/')
      const base = network.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
      const inside = base + (random % 2 ** (32 - Number(bits)))
      const address = [24, 16, 8, 0].map((shift) => Math.floor(inside / 2 ** shift) % 256).join('.')
      expect(isCallable(address, nothingPrivate)).toBe(false)
      // Not by being written into an IPv6 address either.
      for (const prefix of ['::ffff:', '64:ff9b::', '::', '::ffff:0:'])
        expect(isCallable(`${prefix}${address}`, privateToo)).toBe(false)
    }),
  )
})

test('what a company uses for itself is a part of the table', () => {
  for (const range of PRIVATE_USE) expect(SPECIAL_USE).toContain(range)
})
