"""How many micrographs a second this machine does, and which stage holds it back: what `nanomorph bench` measures.

cases      which files, devices, precisions and workers; a case each, measured in a process of its own
inputs     which of the user's files are timed, and what is said of the others
possible   whether what is asked for can be opened at all, before the first case
child      that process: the whole job, every stage alone, the model alone
whole · stages · model_alone · samples      what is timed there
limit · table      what it means, for people
frames     micrographs to time with where none are given
"""
