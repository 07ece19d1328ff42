import { expect, test } from 'vitest'
import type { Handler } from './handler.ts'
import { createStage } from './stage.ts'

const handler = (): Handler => () => {}
const serving = (handler: Handler) => ({ paths: { '/a': handler }, segments: {} })

test('what has entered keeps what it entered, and what is replaced is told when the last has left', async () => {
  const [before, after] = [handler(), handler()]
  const stage = createStage(serving(before))
  const [first, second] = [stage.enter('/a'), stage.enter('/b')]
  let empty = false
  const left = stage.replace(serving(after)).then(() => (empty = true))
  const third = stage.enter('/a')
  expect([first.handler, second.handler, third.handler]).toEqual([before, undefined, after])
  first.left()
  third.left()
  await Promise.resolve()
  expect(empty).toBe(false)
  second.left()
  await left
})

test('what nobody is in is empty at once', async () => {
  const stage = createStage(serving(handler()))
  stage.enter('/a').left()
  await stage.replace(serving(handler()))
})
