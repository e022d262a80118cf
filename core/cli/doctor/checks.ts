import { clockFindings, nodeFindings, processFindings, sensorFindings, zoneFindings } from './machine-findings.ts'
import { configFindings, ignoredFindings, taskFindings } from './task-findings.ts'
import { diskFindings, permissionFindings, watchFindings } from './folder-findings.ts'
import { runFindings, serverFindings, tokenFindings } from './server-findings.ts'
import type { Facts } from './facts.ts'
import type { Finding } from './finding.ts'

/** One check: its name and findings. `findings` null: it does not apply here. */
export interface Check {
  check: string
  findings: Finding[] | null
}

const CHECKS: Record<string, (facts: Facts) => Finding[] | null> = {
  node: ({ node }) => nodeFindings(node),
  clock: ({ clock }) => clock && clockFindings(clock),
  zone: ({ zone }) => zone && zoneFindings(zone),
  disk: ({ disk }) => disk && diskFindings(disk),
  permissions: ({ permissions }) => permissions && permissionFindings(permissions),
  config: ({ config }) => config && configFindings(config),
  tasks: ({ tasks }) => tasks && taskFindings(tasks),
  files: ({ permissions, ignored }) => permissions && ignoredFindings(ignored),
  watches: ({ watches }) => watches && watchFindings(watches),
  sensors: ({ sensors, clock }) => clock && sensorFindings(sensors, clock.now),
  server: ({ server }) => serverFindings(server),
  token: ({ token }) => token && tokenFindings(token),
  runs: ({ runs, server }) => runs && runFindings(runs, server.answer === 'yes'),
  process: ({ process }) => process && processFindings(process)
}

/** Every check with its findings, in the order in which they are shown. Pure. */
export const diagnose = (facts: Facts): Check[] =>
  Object.entries(CHECKS).map(([check, find]) => ({ check, findings: find(facts) }))

/** True without a fault and a warning. */
export const isWell = (checks: readonly Check[]): boolean =>
  checks.every(({ findings }) => (findings ?? []).every(({ level }) => level === 'note'))
