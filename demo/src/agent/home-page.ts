import { html } from 'hono/html'
import { agentsOf, type AuditLine, whatOf } from './audit-lines.ts'
import { column } from './column.ts'
import type { Person } from '../company.ts'
import { type Html, page } from './page.ts'
import type { Desk } from './visitors.ts'

export interface Home {
  readonly people: readonly Person[]
  readonly desks: ReadonlyMap<string, Desk>
  /** Undefined: the audit log could not be read. */
  readonly audit: readonly AuditLine[] | undefined
}

/** The page of the demo: a column for each user, the audit log below. */
export function homePage({ people, desks, audit }: Home): Html {
  return page(
    'The assistant · Tetrapod demo',
    html`<header>
        <h1>One assistant, two people</h1>
        <p>
          You ask the assistant for your commission. It asks the CRM server, which asks payroll. Every hop
          gets a token of its own, for one receiver alone, that says who you are and who acts for you.
        </p>
      </header>
      <div class="columns">${people.map((person) => column(person, desks.get(person.username)))}</div>
      <section class="audit">
        <h2>Audit log</h2>
        ${auditTable(audit)}
      </section>`,
  )
}

function auditTable(audit: readonly AuditLine[] | undefined): Html {
  if (audit === undefined) {
    return html`<p class="refusal">The audit log cannot be read right now. Reload this page in a moment.</p>`
  }
  if (audit.length === 0) return html`<p>Empty so far: the first call writes the first line.</p>`
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Audit log">
    <table>
      <thead>
        <tr>
          ${['Time', 'User', 'Agent', 'Server', 'What', 'Inputs', 'Decision', 'Outcome'].map(
            (name) => html`<th scope="col">${name}</th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${audit.map(auditRow)}
      </tbody>
    </table>
  </div>`
}

function auditRow(line: AuditLine): Html {
  const time = new Date(line.time).toISOString().slice(11, 19)
  const inputs = line.arguments === undefined ? '' : JSON.stringify(line.arguments)
  const cells = [
    time,
    line.username,
    agentsOf(line),
    line.server,
    whatOf(line),
    inputs,
    line.decision,
    line.outcome,
  ]
  return html`<tr>
    ${cells.map((cell) => html`<td>${cell ?? ''}</td>`)}
  </tr>`
}
