import { Fault } from '#kernel'
import { fault } from './faults.ts'
import type { Purpose } from './sealed.ts'
import type { Vault } from './vault.ts'

/** `service` first: of two keyrings that a database never saw, the one whose secret is stored has it, with all its purposes. */
const purposes: readonly Purpose[] = ['service', 'signing', 'oauth', 'audit']

/**
 * Says that the keyring in use is the one that this database belongs to, and has its key for every purpose; the first
 * keyring that a database sees is. What a replica would seal with another key, the others could not open.
 *
 * Throws `vault.keyring_foreign`; the database then holds nothing that was sealed with this keyring.
 */
export async function proveKeyring(vault: Vault): Promise<void> {
  try {
    // A secret that every database has had since the first version.
    await vault.keep('tickets')
    for (const purpose of purposes) await vault.keep(`keyring.${purpose}`, purpose)
  } catch (cause) {
    if (cause instanceof Fault && cause.code === 'vault.unopenable') throw fault.keyring_foreign({ cause })
    throw cause
  }
}
