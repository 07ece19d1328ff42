import { expect, test } from 'vitest'
import { createLru } from './lru.ts'

test('what was used longest ago makes room, and no more than so many entries are held', () => {
  const lru = createLru<number>(2)
  lru.set('a', 1)
  lru.set('b', 2)
  lru.get('a')
  lru.set('c', 3)
  expect([lru.get('a'), lru.get('b'), lru.get('c')]).toEqual([1, undefined, 3])
})
