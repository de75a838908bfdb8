"""Scripts that were written for another library run unchanged: its names mean Penstock.

clearml     import it before the script's own imports, and `clearml` means Penstock
finder      the import hook
names       the modules and names of the other library, and where ours are; what there is not, and what to do instead
"""
