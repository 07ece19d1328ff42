import { readFile } from 'node:fs/promises'
import { fault } from './faults.ts'

/** What a start is given from outside: read once, here and nowhere else. */
export interface Configuration {
  /** The text of `tetrapod.yaml`. */
  readonly text: string
  /** What `env:` references are resolved from. */
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Reads the configuration file and the environment. Throws `service.configuration_unreadable`, which names the file. */
export async function readConfiguration(file: string): Promise<Configuration> {
  try {
    return { text: await readFile(file, 'utf8'), environment: { ...process.env } }
  } catch (cause) {
    throw fault.configuration_unreadable({ detail: file, cause })
  }
}
