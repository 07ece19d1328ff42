import { expect, test } from 'vitest'
import { isJwtType } from './jwt-type.ts'

test.each(['dpop+jwt', 'DPoP+JWT', 'application/dpop+jwt', 'Application/DPOP+JWT'])(
  '%s is the type',
  (typ) => {
    expect(isJwtType(typ, 'dpop+jwt')).toBe(true)
  },
)

test.each([
  undefined,
  null,
  '',
  'jwt',
  'dpop',
  'dpop+jwt ',
  'application/application/dpop+jwt',
  ['dpop+jwt'],
])('%j is not', (typ) => {
  expect(isJwtType(typ, 'dpop+jwt')).toBe(false)
})
