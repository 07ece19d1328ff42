/** Where everybody of the small company listens: five ports in a row, on this machine alone. */
export interface Company {
  readonly publicUrl: string
  /** The gateway's resource for the CRM server: what an agent is given. */
  readonly mount: string
  readonly crm: string
  readonly payroll: string
  readonly agent: string
  readonly ports: Readonly<Record<'service' | 'crm' | 'payroll' | 'agent' | 'audit', number>>
}

export function companyAt(port: number): Company {
  const at = (offset: number) => `http://127.0.0.1:${port + offset}`
  return {
    publicUrl: at(0),
    mount: `${at(0)}/crm/mcp`,
    crm: `${at(1)}/mcp`,
    payroll: at(2),
    agent: at(3),
    ports: { service: port, crm: port + 1, payroll: port + 2, agent: port + 3, audit: port + 4 },
  }
}

/** The environment variable that tells the agent where the audit lines are. */
export const AUDIT_URL = 'DEMO_AUDIT_URL'

/** Who can sign in. The names are what the built-in users of the configuration are called. */
export interface Person {
  readonly username: string
  readonly name: string
  readonly password: string
}

export const people: readonly Person[] = [
  { username: 'alice', name: 'Alice', password: 'alice-demo' },
  { username: 'bob', name: 'Bob', password: 'bob-demo' },
]
