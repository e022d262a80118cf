import type { Command } from 'commander'
import type { SimulateGiven } from '../local/simulation.ts'
import { local } from '../remote/options.ts'

/** `simulate`: what would run when, and what would be held why. */
export function addSimulate (program: Command): void {
  local(
    program.command('simulate').description(
      'what would run when with these tasks and settings, and what would be held why; no task is executed'
    )
  )
    .option('--from <instant>',
      'where it begins: 2026-11-22T09:00+01:00, or a day such as 2026-11-22 in manager.timezone; now when absent')
    .option('--to <instant>', 'where it ends; a day later when absent')
    .option('--readings <file>',
      'what the machine does, as CSV: at,power,battery_level,charging,cpu_busy,idle_seconds,online,metered,temperature,signal.NAME,probe.NAME; what was recorded when absent')
    .option('--task <id>', 'tell only of this one')
    .option('--json', 'answer in JSON')
    .action(async (given: SimulateGiven) => (await import('../local/simulation.ts')).simulation(given))
}
