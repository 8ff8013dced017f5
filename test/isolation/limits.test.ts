import { describeLimits } from './limits.ts'

describeLimits('bubblewrap')
