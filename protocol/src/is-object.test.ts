import { expect, test } from 'vitest'
import { isObject } from './is-object.ts'

test.each([[{}], [{ a: 1 }], [Object.create(null)], [JSON.parse('{}')]])('%j is an object', (value) => {
  expect(isObject(value)).toBe(true)
})

test.each([null, undefined, [[]], 'a', 1, true, () => {}])('%j is none', (value) => {
  expect(isObject(value)).toBe(false)
})
