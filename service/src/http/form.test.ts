import { expect, test } from 'vitest'
import { z } from 'zod'
import { readForm } from './form.ts'

const ours = 'http://127.0.0.1:4000'
const schema = z.strictObject({ decision: z.enum(['allow', 'deny']) })
const sent = (body: string, origin: string | undefined = ours, headers: Record<string, string> = {}) =>
  readForm(
    new Request(`${ours}/x`, { method: 'POST', body, headers: { ...(origin && { origin }), ...headers } }),
    schema,
    ours,
  )

test('a form of our own page is read', async () => {
  expect(await sent('decision=allow')).toEqual({ decision: 'allow' })
})

test.each(['http://127.0.0.1:4001', 'https://127.0.0.1:4000', 'http://evil.example', 'null', ''])(
  'a form from %o is refused before it is read',
  async (origin) => {
    await expect(sent('decision=allow', origin)).rejects.toMatchObject({ code: 'http.wrong_origin' })
  },
)

test.each(['', 'decision=maybe', 'decision=allow&more=1', 'decision=deny&decision=allow'])(
  'the form %o is refused',
  async (body) => {
    await expect(sent(body)).rejects.toMatchObject({ code: 'http.form_malformed' })
  },
)

test('a form that is too large is refused, whether its length is told or not', async () => {
  const large = `decision=${'x'.repeat(70_000)}`
  await expect(sent(large, ours, { 'content-length': '70009' })).rejects.toMatchObject({
    code: 'http.body_too_large',
  })
  await expect(sent(large)).rejects.toMatchObject({ code: 'http.body_too_large' })
})
