"""What waits in the triggerer: it only ever asks, because a triggerer that restarts asks again."""
