import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AUDIT_URL, type Company } from '../company.ts'

/** One process of the company. It is ready when `readyAt` answers 200. */
export interface Part {
  readonly name: string
  readonly arguments: readonly string[]
  /** Added to the launcher's environment. For secrets: arguments can be listed by every user of the machine. */
  readonly environment?: Readonly<Record<string, string>>
  readonly readyAt: string
}

/** The `tetrapod` command of this checkout. */
export const tetrapodCommand: string = fileURLToPath(
  new URL('../../../service/bin/tetrapod.js', import.meta.url),
)

export interface Places {
  /** Where each process keeps its own key. */
  readonly folder: string
  readonly configuration: string
  /** Where the agent's page reads the audit log: a secret. */
  readonly auditUrl: string
}

/** Four processes that know each other by URL and key alone. */
export function partsOf(company: Company, { folder, configuration, auditUrl }: Places): readonly Part[] {
  const { publicUrl, mount, crm, payroll, agent, ports } = company
  const keys = '/.well-known/jwks.json'
  const keyOf = (party: string) => join(folder, `${party}.key.json`)
  return [
    {
      name: 'service',
      arguments: [tetrapodCommand, 'start', '--config', configuration, '--data', folder],
      readyAt: `${publicUrl}/readyz`,
    },
    {
      name: 'crm',
      arguments: [
        source('crm.ts'),
        ...flags({ port: ports.crm, issuer: publicUrl, payroll, key: keyOf('crm') }),
      ],
      readyAt: `${new URL(crm).origin}${keys}`,
    },
    {
      name: 'payroll',
      arguments: [
        source('payroll.ts'),
        ...flags({ port: ports.payroll, issuer: publicUrl, key: keyOf('payroll') }),
      ],
      readyAt: `${payroll}/.well-known/oauth-protected-resource`,
    },
    {
      name: 'agent',
      arguments: [source('agent.ts'), ...flags({ port: ports.agent, gateway: mount, key: keyOf('agent') })],
      environment: { [AUDIT_URL]: auditUrl },
      readyAt: agent,
    },
  ]
}

function source(file: string): string {
  return fileURLToPath(new URL(`../${file}`, import.meta.url))
}

function flags(values: Readonly<Record<string, string | number>>): readonly string[] {
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, `${value}`])
}
