import { type Company, people } from '../company.ts'

/** The configuration of the small company. `hashes` holds the password hash of every user, by user name. */
export function configuration(
  { publicUrl, crm, payroll, agent }: Company,
  hashes: Readonly<Record<string, string>>,
): string {
  const users = people.map(
    ({ username, name }) =>
      `  ${username}: { name: ${name}, groups: [sales], password: "${hashes[username] ?? ''}" }\n`,
  )
  return `# The demo company.\n# A start of the demo reads it; after a change, start again.
publicUrl: ${publicUrl}

users: # built in, for a first look; a real deployment signs its users in at an identity provider
${users.join('')}
registration:
  dynamic: true # agents may register themselves, as the demo's assistant does

agents: # that an administrator names: these may hand a part of what users allow them to one another
  planner:
    name: Demo planner
    redirect_uris: [${agent}/planner/callback]
    jwks_uri: ${agent}/planner/jwks
    exchange: true
    delegates: [researcher]
  researcher: { name: Demo researcher, jwks_uri: ${agent}/researcher/jwks, exchange: true } # no user ever sees it

servers:
  crm:
    name: Customers
    url: ${crm}
    client: { jwks_uri: ${new URL(crm).origin}/.well-known/jwks.json }
    scopes:
      crm.read: Read your customers
      crm.write: Change your customers
    calls: # what the server may ask for at an API, for a user who granted the scope on the left
      payroll: { crm.read: [payroll.read] }
    tools:
      delete_customer: { scopes: [crm.write] }
      "*": { scopes: [crm.read] }

apis:
  payroll:
    name: Payroll
    resource: ${payroll}
    client: { jwks_uri: ${payroll}/.well-known/jwks.json } # it follows the revocation feed
    scopes: { payroll.read: Read your commission statements }

policies: # nothing is permitted but this, and a forbid wins
  # A permit is for agents that registered themselves only where it says so: nobody has checked who they are.
  - permit: { agents: [dynamic], groups: [sales], servers: [crm] }
  - permit: { agents: [dynamic], groups: [sales], servers: [crm], apis: [payroll] }
  # And for these two: every agent of a chain must be among those of the permit.
  - permit: { agents: [planner, researcher], groups: [sales], servers: [crm] }
  - permit: { agents: [planner, researcher], groups: [sales], servers: [crm], apis: [payroll] }
  - forbid: { servers: [crm], tools: [delete_customer] }
`
}
