import { expect, test } from 'vitest'
import { codeOf } from './refusal.fixture.ts'
import { checkFresh, checkShortLived, checkTimes, type Times } from './times.ts'

const NOW = 1_800_000_000
const codes = (times: Times) => [
  codeOf(() => {
    checkTimes(times, NOW)
  }),
  codeOf(() => {
    checkShortLived(times, 300, NOW)
  }),
]

test.each<readonly [string, Times]>([
  ['accepted', { exp: NOW + 60 }],
  ['accepted', { exp: NOW - 59 }],
  ['expired', { exp: NOW - 60 }],
  ['accepted', { exp: NOW + 300, iat: NOW + 60 }],
  ['not_yet', { exp: NOW + 300, iat: NOW + 61 }],
  ['accepted', { exp: NOW + 300, nbf: NOW + 60 }],
  ['not_yet', { exp: NOW + 300, nbf: NOW + 61, iat: NOW }],
  ['claims', { exp: NOW + 10, iat: NOW + 10 }],
  ['accepted', { exp: NOW + 11, iat: NOW + 10 }],
])('%s: %j, by a clock that may be a minute wrong', (code, times) => {
  expect(codes(times)).toEqual([code, code])
})

test('what must live shortly may end so far ahead, and a minute for the clocks, and not a second more', () => {
  expect(codes({ exp: NOW + 360 })).toEqual(['accepted', 'accepted'])
  expect(codes({ exp: NOW + 361 })).toEqual(['accepted', 'claims'])
})

test('what has no end of its own counts for its window, before and after', () => {
  const code = (iat: number) =>
    codeOf(() => {
      checkFresh(iat, 60, NOW)
    })
  expect([NOW - 61, NOW - 60, NOW, NOW + 60, NOW + 61].map(code)).toEqual([
    'expired',
    'accepted',
    'accepted',
    'accepted',
    'not_yet',
  ])
})
