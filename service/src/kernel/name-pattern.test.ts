import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { namePattern } from './name-pattern.ts'

describe('a name pattern', () => {
  test.each([
    ['find_*', 'find_customer', true],
    ['find_*', 'find_', true],
    ['find_*', 'refind_customer', false],
    ['*_customer', 'find_customer', true],
    ['*_customer', 'find_customers', false],
    ['*', '', true],
    ['*', 'anything', true],
    ['a*b*c', 'axxbyyc', true],
    ['a*b*c', 'axxcyyb', false],
    ['ab*ba', 'aba', false],
    ['ab*ba', 'abba', true],
    ['a*bc*c', 'abc', false],
    ['**', 'x', true],
    ['find', 'find', true],
    ['find', 'Find', false],
    ['find', 'find_customer', false],
    ['', '', true],
    ['', 'x', false],
  ])('%s on "%s" is %s', (pattern, name, expected) => {
    expect(namePattern(pattern)(name)).toBe(expected)
  })

  test('gives no other character a meaning', () => {
    expect(namePattern('a.c')('abc')).toBe(false)
    expect(namePattern('(a|b)*')('ab')).toBe(false)
    expect(namePattern('[a-z]*')('[a-z]x')).toBe(true)
    expect(namePattern('a?*')('ab')).toBe(false)
  })

  test('agrees with the definition of `*`, tried in every way', () => {
    const few = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 })
    const name = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 })
    fc.assert(
      fc.property(few, name, (pattern, name) => {
        expect(namePattern(pattern)(name)).toBe(byDefinition(pattern, name))
      }),
      { numRuns: 2000 },
    )
  })

  test('with many stars answers at once on a name made to make it try everything', () => {
    const pattern = namePattern(`${'*a'.repeat(40)}*b`)
    expect(pattern('a'.repeat(20_000))).toBe(false)
    expect(namePattern(`${'a*'.repeat(40)}bX*X`)('a'.repeat(20_000))).toBe(false)
  })
})

function byDefinition(pattern: string, name: string): boolean {
  if (pattern === '') return name === ''
  const rest = pattern.slice(1)
  if (!pattern.startsWith('*')) return name.startsWith(pattern.charAt(0)) && byDefinition(rest, name.slice(1))
  return Array.from({ length: name.length + 1 }, (_, at) => at).some((at) =>
    byDefinition(rest, name.slice(at)),
  )
}
