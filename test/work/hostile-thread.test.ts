import t from 'tap'
import { contained } from './hostile-tasks.ts'

contained(t, 'thread', { of: 3, calls: 5 })
