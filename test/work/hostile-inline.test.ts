import t from 'tap'
import { contained } from './hostile-tasks.ts'

contained(t, 'inline', { of: 1, calls: 1 })
