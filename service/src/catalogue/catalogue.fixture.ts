import { expect } from 'vitest'
import { Fault, Secret } from '#kernel'
import { loadCatalogue } from './load-catalogue.ts'

export const HASH = `scrypt:16384:8:1:${'s'.repeat(22)}:${'h'.repeat(43)}`
/** A configuration with every key once. */
export const whole = `publicUrl: http://127.0.0.1:4000
users:
  alice: { name: Alice Adams, password: env:ALICE, groups: [sales], linked: { corp: alice@corp.example } }
  bob: { password: '${HASH}' }
agents:
  assistant: { name: Demo assistant, redirect_uris: [http://127.0.0.1:4003/callback], jwks_uri: http://127.0.0.1:4003/jwks, exchange: true }
  robot: { redirect_uris: [https://robot.example/cb], secret: file:///run/secrets/robot, exchange: true, delegates: [assistant] }
servers:
  crm:
    name: Customers
    url: http://127.0.0.1:4001/mcp
    client: { secret: file:///run/secrets/crm }
    scopes: { crm.read: Read your customers, crm.write: Change your customers }
    calls: { payroll: { crm.read: [payroll.read] } }
    tools: { find_customer: { scopes: [crm.read] }, "*": { scopes: [crm.read] } }
apis:
  payroll: { name: Payroll, resource: http://127.0.0.1:4002, scopes: { payroll.read: Read your payslips }, client: { jwks_uri: http://127.0.0.1:4002/jwks }, subject: corp, authentication: { max_age: 3600, acr_values: [urn:tetrapod:acr:password] } }
policies:
  - permit: { groups: [sales], servers: [crm], tools: ["find_*"] }
  - permit: { servers: [crm], apis: [payroll] }
  - forbid: { users: [bob], servers: [crm], tools: [delete_customer] }
registration:
  metadataDocuments: [claude.ai, { host: agents.corp.internal, private: true }]
  dynamic: true
  statements: { https://publisher.example: { jwks_uri: https://publisher.example/jwks } }
`

const stored: Readonly<Record<string, string>> = {
  'env:ALICE': HASH,
  'env:PLAIN': 'hunter2',
  'env:EMPTY': '',
  'env:LINES': 'Bearer one\r\nx-two: 2',
  'env:DATABASE': 'postgres://tetrapod:hunter2@db.internal/tetrapod',
  'file:///run/secrets/robot': 'robot secret',
  'file:///run/secrets/crm': 'crm secret',
}

/** Stands for the secret store. */
export function resolve(reference: string): Promise<Secret> {
  const value = stored[reference]
  if (value === undefined) return Promise.reject(new Fault('secrets.missing', 'invalid', 'Set NOBODY.'))
  return Promise.resolve(new Secret(value))
}

export function load(text: string, resolver = resolve) {
  return loadCatalogue(text, { resolve: resolver })
}

/** The lines of the refusal, without the first. */
export async function problemsOf(text: string, resolver = resolve): Promise<readonly string[]> {
  const fault: unknown = await load(text, resolver).catch((error: unknown) => error)
  expect(fault).toMatchObject({ code: 'catalogue.invalid', kind: 'invalid' })
  return fault instanceof Fault ? fault.message.split('\n').slice(1) : []
}
