print("danlu")
