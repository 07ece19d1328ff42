import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPayments, type Payments } from '../support/payments.ts'
import { findPostgres, freshSchema, type FreshSchema } from '../support/postgres.ts'
import { createReplicas, type Replica } from '../support/replicas.ts'
import { rpc, send } from '../support/wire.ts'

describe.runIf(findPostgres() !== undefined)('two replicas', () => {
  const replicas = createReplicas(2)
  let schema: FreshSchema
  let shared: Payments
  beforeAll(async () => {
    schema = await freshSchema(findPostgres() ?? '')
    shared = await openPayments({ database: schema.url, run: replicas.run })
  }, 60_000)
  afterAll(async () => {
    await shared.close()
    await schema.drop()
  }, 60_000)

  test('what one learns the other knows within the second: its next call has the scope', async () => {
    const login = await shared.world.signIn('alice', { server: 'notes', scopes: ['notes.read', 'notes.pay'] })
    const token = login.token()
    const at = (n: number, name: string) => {
      const url = `http://127.0.0.1:${(replicas.all[n] as Replica).port}/notes/mcp`
      const { host } = new URL(shared.world.publicUrl)
      return send(rpc({ url, token, params: { name }, headers: { host } }))
    }
    // It has looked already, and remembers that there is nothing.
    expect((await at(1, 'close_account')).status).toBe(200)
    expect((await at(0, 'pay')).status).toBe(403)
    const status = async () => (await at(1, 'pay')).status
    await expect.poll(status, { interval: 20, timeout: 1000 }).toBe(200)
    expect(decodeJwt(shared.world.lastToken('notes'))['scope']).toBe('notes.read notes.pay')
    expect(shared.payments).toHaveLength(1)
  })
})
