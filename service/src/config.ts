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
  return { text: await readText(file), environment: { ...process.env } }
}

/** Reads the configuration file alone: the environment stays what it was at the start. Throws as above. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw fault.configuration_unreadable({ detail: file, cause })
  }
}
