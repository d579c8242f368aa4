"""`python -m nanomorph`: the program, where its script is not on the PATH."""

from nanomorph.cli.main import main

raise SystemExit(main())
