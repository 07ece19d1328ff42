import { randomBytes } from 'node:crypto'
import type { EncodedRecord } from './bundle.ts'
import { fault } from './faults.ts'
import type { PersonalSeal } from './personal.ts'
import { type AuditRecord, canonicalText, type Head } from './record.ts'

/** Throws Fault `audit.unavailable` when the personal values cannot be sealed, another error for what JSON cannot carry. */
export function encodeRecord(record: AuditRecord, personal: PersonalSeal): EncodedRecord {
  const canonical = Buffer.from(canonicalText(record))
  return { canonical, salt: randomBytes(16), sealed: sealed(record, personal) }
}

function sealed(head: Head, { seal }: PersonalSeal): ReturnType<PersonalSeal['seal']> {
  try {
    return seal(head)
  } catch (cause) {
    throw fault.unavailable({ cause })
  }
}
