import { expect, test } from 'vitest'
import { formatLoginId, newLoginId, parseLoginId } from './login-id.ts'

test('a login id is read as it was written, and every one names a family of its own', () => {
  const [one, two] = [newLoginId('grant', 'session'), newLoginId('grant', 'session')]
  expect(parseLoginId(formatLoginId(one))).toEqual(one)
  expect(one.family).not.toBe(two.family)
})

test.each(['', 'a', 'a.b', 'a.b.', '.b.c', 'a..c', 'a.b.c.d', 'undefined'])('%o is not one', (value) => {
  expect(parseLoginId(value)).toBeUndefined()
})
