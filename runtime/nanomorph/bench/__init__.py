"""How many micrographs a second this machine does, and which stage holds it back: what `nanomorph bench` measures.

cases      which files, devices, precisions and workers; a case each, measured in a process of its own
child      that process: the whole job, every stage alone, the model alone
whole · stages · model_alone · samples      what is timed there
limit · table      what it means, for people
frames     micrographs to time with where none are given
"""
