import { expect, test } from 'vitest'
import { formatLoginId, parseLoginId } from './login-id.ts'

test('a login id is read as it was written', () => {
  const id = { grant: 'g1', family: 'f1', session: 's1' }
  expect(parseLoginId(formatLoginId(id))).toEqual(id)
})

test.each(['', 'a', 'a.b', 'a.b.', '.b.c', 'a..c', 'a.b.c.d', 'undefined'])('%o is not one', (value) => {
  expect(parseLoginId(value)).toBeUndefined()
})
