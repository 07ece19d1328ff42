import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { plainText } from './index.ts'

test.each([
  ['Test assistant', 'Test assistant'],
  ['مساعد', 'مساعد'],
  ['Ω Zoë 日本 🦎', 'Ω Zoë 日本 🦎'],
  ['  two\n\tlines  ', 'two lines'],
  ['safe\u202Egpj.exe', 'safegpj.exe'],
  ['a\u2066b\u2069c\u200Fd\u061Ce', 'abcde'],
  ['a\u0000b\u001B[31mc', 'ab[31mc'],
  ['a\u200Bb\u00ADc\uFEFFd', 'abc d'],
  ['\u3164\u2800\u115F', ''],
  ['Z\u0301\u0302\u0303\u0304\u0305\u0306algo', 'Z\u0301\u0302\u0303algo'],
  ['\uD83E', ''],
  ['', ''],
])('%j is shown as %j', (text, shown) => {
  expect(plainText(text, 60)).toBe(shown.normalize('NFC'))
})

test('what is long ends with an ellipsis, and not within a character', () => {
  expect(plainText('x'.repeat(60), 60)).toBe('x'.repeat(60))
  expect(plainText('x'.repeat(61), 60)).toBe(`${'x'.repeat(59)}…`)
  expect(plainText('🇩🇪'.repeat(61), 60)).toBe(`${'🇩🇪'.repeat(59)}…`)
})

test('whatever it is given, one line comes back, of things that are seen', () => {
  const property = fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
    const shown = plainText(text, 40)
    expect(shown).not.toMatch(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|\p{M}{3}|^\s|\s$/u)
    expect(shown.length).toBeLessThanOrEqual(40 * 8)
  })
  fc.assert(property)
})
