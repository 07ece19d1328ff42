import { createServer } from 'node:net'
import type { Company } from '../company.ts'
import { Problem } from './problem.ts'

/** Throws {@link Problem} naming the first port that somebody else listens on. */
export async function checkPorts({ ports }: Company): Promise<void> {
  for (const [party, port] of Object.entries(ports)) {
    if (await isFree(port)) continue
    throw new Problem(
      `Port ${port} (for the ${party}) is taken. Stop what listens there, or choose other ports: npm start -- --port ${other(port)}`,
    )
  }
}

function isFree(port: number): Promise<boolean> {
  const probe = createServer()
  return new Promise((resolve) => {
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

function other(port: number): number {
  return port < 60_000 ? port + 100 : 4000
}
